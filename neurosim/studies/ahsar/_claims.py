"""The claims of AHSAR ("Plug-and-Play Homeostatic Spark")."""

from __future__ import annotations

from neurosim.studies import images
from neurosim.studies.ahsar import _judges as judge
from neurosim.studies.ahsar import _judges_learning as learning
from neurosim.studies.ahsar.scale import STUDY as SCALES
from neurosim.studies.ledger import Claim, untestable

_EPOCHS = f"{images.SHORT['training']['epochs']} epochs, {{seed}} seeds, paired"
_NETS = f"digits; {{net}}; {_EPOCHS}"
_CONVOLUTIONAL = (
    f"digits as {{shown}}; {{net}}; {{learning}}; {{mode}}-step; T = {{steps}}; {_EPOCHS}"
)
_SCALES = (
    f"{{scale}} scales; digits; {{net}}; {SCALES.settings['training']['epochs']} epochs, "
    "{seed} seeds"
)

CLAIMS = (
    Claim("ahsar", "The mean gate is the density at the threshold, G = p_U = -dr/dtheta",
          "section 3", "closed forms", judge.gate, None, "neurosim analyse"),
    Claim("ahsar", "Too low and too high thresholds both slow learning; between lies a band",
          "section 3, figure 2", _SCALES, learning.band, "ahsar_scale"),
    Claim("ahsar", "Too low thresholds make learning unstable", "section 1", _SCALES,
          learning.unsteady, "ahsar_scale"),
    Claim("ahsar", "AHSAR moves nets from unproductive extremes to the productive band, without a "
          "target rate", "section 4", f"{{start}} factors on the thresholds at the start; "
          f"{{net}}; rate-based; {_EPOCHS}", learning.rescue, "ahsar_start"),
    Claim("ahsar", "AHSAR accelerates convergence", "section 5.2", _CONVOLUTIONAL,
          learning.faster, "ahsar_nets"),
    Claim("ahsar", "AHSAR raises accuracy after a fixed number of epochs", "table 1",
          _CONVOLUTIONAL, learning.better, "ahsar_nets"),
    Claim("ahsar", "It reduces oscillations of the loss", "section 1", _NETS, learning.steadier,
          "ahsar_homeostat"),
    Claim("ahsar", "Relaxation, diffusion and gain each contribute", "section 5.4, table 1",
          _NETS, learning.parts, "ahsar_homeostat"),
    Claim("ahsar", "It gains 0.3 to 2 % on CIFAR-10 and CIFAR10-DVS (VGG-13, ResNet-18)",
          "table 1", "the official files and a GPU", judge.cifar, "ahsar_cifar"),
    Claim("ahsar", "It raises accuracy out of distribution", "table 2", _NETS,
          learning.ood_accuracy, "ahsar_ood"),
    Claim("ahsar", "It raises AUROC and lowers FPR95 by predictive entropy", "table 4", _NETS,
          learning.ood_detection, "ahsar_ood"),
    Claim("ahsar", "The inner loop is negative feedback", "section 4.2", "sign of the loop's "
          "response", judge.feedback, None, "neurosim figures homeostat_stability"),
    Claim("ahsar", "The loop converges to a stable fixed point", "section 4.2",
          "frozen nets, beta from 0.1 to 3 times the critical one of our theory", judge.boundary,
          "ahsar_stability"),
    Claim("ahsar", "At the fixed point rate deviations vanish", "section 4",
          "spread of the layers' ln rates", judge.fixed_point, "ahsar_stability"),
    Claim("ahsar", "Busy layers calm down and calm ones join in", "section 4",
          "three layers of noisy neurons in Brian2", judge.population, "ahsar_population"),
    Claim("ahsar", "It adds no trainable parameters", "abstract", "parameters counted",
          judge.parameters, None, "neurosim claims"),
    Claim("ahsar", "Its computational cost is negligible", "abstract",
          "{net}; {learning}; times in one run, {seed} seeds", judge.cost, "ahsar_cost"),
    Claim("ahsar", "It combines with stochastic thresholds", "not in the papers", _NETS,
          learning.with_aspen, "ahsar_aspen"),
    Claim("ahsar", "95.92 % on CIFAR-10 with ResNet-18 in 4 steps and 300 epochs", "table 3",
          "CIFAR-10 and some GPU days", untestable("neither was at hand")),
)  # fmt: skip
"""In the order in which they are printed."""
