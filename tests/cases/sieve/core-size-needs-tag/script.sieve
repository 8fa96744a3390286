# RFC 5228 5.9: one of :over and :under.
if size 100 { keep; }
if size :over :under 100 { keep; }
