# Signs that editors, web pages and input methods put in place of those of Sieve: each is named, with what to type.
if header :contains “subject” "a" { keep; }
if header :contains 'subject' "a" { keep; }
if header :contains «subject» "a" { keep; }
if header :contains "subject"　"a" { keep; }
if header :contains ＂subject＂ "a" { keep; }
keep；
if header :contains "subject" "a" ｛ keep; }
é
�
