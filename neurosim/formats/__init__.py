"""Networks and specifications as others write them: rockpool, the vendor's objects, NIR.

`neurosim.formats.nets` is the one door to all of them.
"""
