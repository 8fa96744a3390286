# RFC 6609 3.4.1: global needs both include and variables.
require "variables";
global "x";
