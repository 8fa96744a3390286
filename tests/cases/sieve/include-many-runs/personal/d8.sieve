if exists "subject" { }
