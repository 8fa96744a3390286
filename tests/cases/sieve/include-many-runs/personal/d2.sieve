require "include";
include "d3";
include "d3";
include "d3";
include "d3";
include "d3";
