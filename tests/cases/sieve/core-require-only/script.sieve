# LIBSIEVE 2.1: a script of requires only is a script.
require ["fileinto", "copy"];
require "envelope";
require "fileinto";
