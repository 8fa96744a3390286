# RFC 5228 3.2: require comes before other commands.
keep;
require "fileinto";
