# RFC 5235 3.3: no percents.
require ["virustest", "spamtestplus"];
if virustest :percent "1" { keep; }
