# filters/libsieve/FAULTS B5: one open quote switches off all address tests that follow; our own engine decides that one only.
require "fileinto";
if address :is "from" "a@b.example" { fileinto "from"; }
if address :is "to" "me@example.org" { fileinto "to"; }
if address :domain "cc" "[10.0.0.1]" { fileinto "cc"; }
if address :all :is "to" "me@example.org" { fileinto "again"; }
