# perl: files, forks, pipes, signals, regular expressions. @shell bash
perl -e 'print join(",", map { $_ * 2 } grep { $_ % 2 } 1..9), "\n"'
perl -ne 'print if /5$/' <(seq 20); seq 5 | perl -pe 's/3/three/'
perl -e 'my $p = fork; if (!$p) { exit 7 } waitpid $p, 0; print $? >> 8, "\n"; open my $f, "-|", "echo from a pipe"; print <$f>; local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; eval { select undef, undef, undef, 5 }; print $@'
perl -MFile::Temp=tempfile -MPOSIX -e 'my ($f, $n) = tempfile(UNLINK => 1); print $f "x" x 1000; close $f; print -s $n, "\n"; print POSIX::strftime("%F", gmtime 86400), "\n"; print sprintf("%.3f", POSIX::floor(2.7)), "\n"'
perl -MSocket -e 'socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC; syswrite $a, "hello"; sysread $b, my $x, 10; print "$x\n"; opendir my $d, "/"; print scalar(grep { /^(usr|etc|proc)$/ } readdir $d), "\n"'
