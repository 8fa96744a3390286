# 8-bit text without a label is guessed.
require ["body", "fileinto"];
if body :contains "日本語" { fileinto "yes"; }
