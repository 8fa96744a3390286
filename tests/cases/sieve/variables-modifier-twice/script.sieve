# RFC 5229 4.1: two modifiers of one precedence are an error.
require "variables";
set :lower :upper "a" "x";
set :length :length "a" "x";
set :lowe "a" "x";
