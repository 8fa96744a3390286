# RFC 5293 4 with RFC 5322 2.1.1: a long value is folded before 78 octets; it reads as it was given.
require "editheader";
addheader "X-Long" "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii";
if header :is "X-Long" "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii" { redirect "a@example.com"; }
