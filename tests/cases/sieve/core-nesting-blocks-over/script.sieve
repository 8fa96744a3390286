# limits.h: 33 levels of blocks.
if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" {
if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" {
if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" {
if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" { if exists "a" {
if exists "a" { keep; }
} } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } }
