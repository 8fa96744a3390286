# What is over 20K is over 10K, too, and what is under 10K is under 20K; the other way round there is something left.
if size :over 10K { keep; stop; }
if size :over 20K { discard; }
if size :over 10239 { discard; }
if size :under 2K { keep; stop; }
if size :under 1K { discard; }
if size :under 3K { discard; }
if size :over 2K { redirect "over@example.com"; }
