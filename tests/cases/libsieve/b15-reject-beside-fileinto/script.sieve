# filters/libsieve/FAULTS B15: the second of two actions that exclude each other is dropped and the script stops. Ours is a fault (RFC 5429 2.2).
require ["fileinto", "reject"];
fileinto "a";
reject "no";
