# limits.h: tests nested deeper than 32.
if not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not exists "a" { keep; }
