# the trace tells what was guessed.
require ["body", "fileinto"];
if body :contains "nothing" { keep; }
