# RFC 6609 3.4.1: a variable that was set before cannot become global; declaring it twice is no error.
require ["include", "variables"];
global "y"; global "y";
set "x" "1";
global "x";
