"""Networks and specifications as others write them: rockpool, the vendor's objects, NIR."""
