# A loop that runs over the message ends with the round in which it is enclosed (READINGS).
require ["foreverypart", "enclose", "fileinto", "variables"];
foreverypart { enclose "x"; set "n" "${n}i"; }
fileinto "${n}";
