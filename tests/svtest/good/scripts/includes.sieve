require "include";
include :personal "birds";
include :global "fish";
