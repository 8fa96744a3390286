# A text: block without its dot.
redirect text:
a@example.com
