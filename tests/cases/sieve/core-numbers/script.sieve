# RFC 5228 2.4.1: what is not a number, and what is too big.
if size :over 100kb { keep; }
if size :over 99999999999999999999 { keep; }
if size :over 9999999999G { keep; }
if size :over -1 { keep; }
