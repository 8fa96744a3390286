# RFC 5429 2.2: reject cancels the implicit keep.
require "reject";
reject "I am not taking mail from you";
