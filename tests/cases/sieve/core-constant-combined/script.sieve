# Issue 3: what is known of the parts makes the whole known.
if anyof (exists "x", true) { keep; }
if allof (exists "x", not true) { discard; }
if not anyof (false, false) { keep; }
