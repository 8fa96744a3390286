# filters/libsieve/FAULTS B5: a quote without end in one field has no effect on another.
if address :is "cc" "other@example.org" { redirect "a@example.com"; }
