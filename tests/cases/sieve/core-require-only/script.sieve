# filters/libsieve/FAULTS language: a script of requires only is a script.
require ["fileinto", "copy"];
require "envelope";
require "fileinto";
