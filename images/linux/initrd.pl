#!/usr/bin/perl
# Packs an initial RAM disk: busybox, an /init, and the console's device, which only root could make in the host's file system.
# The format is "newc" of Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
#
#   initrd.pl BUSYBOX INIT > initrd.cpio
#   initrd.pl --files FOLDER FILE... > more.cpio      an archive beside it: files in a folder
use strict;
use warnings;

die "usage: initrd.pl BUSYBOX INIT > FILE, or initrd.pl --files FOLDER FILE... > FILE\n" if @ARGV < 2;
binmode STDOUT;
# Files of the same number would be links of one.
my $inode = $ARGV[0] eq '--files' ? 1000 : 0;

sub entry {
  my ($name, $mode, $contents, $major, $minor) = @_;
  my $links = ($mode & 0170000) == 0040000 ? 2 : 1;
  my $header = sprintf '070701' . '%08X' x 13, ++$inode, $mode, 0, 0, $links, 0, length $contents, 0, 0,
    $major // 0, $minor // 0, 1 + length $name, 0;
  print padded("$header$name\0"), padded($contents);
}

sub padded { my ($bytes) = @_; return $bytes . "\0" x (-length($bytes) % 4) }

sub contents {
  my ($path) = @_;
  open my $file, '<:raw', $path or die "$path: $!\n";
  local $/;
  return scalar <$file>;
}

if ($ARGV[0] eq '--files') {
  my (undef, $folder, @files) = @ARGV;
  entry($folder, 0040755, '');
  entry("$folder/" . s{.*/}{}r, 0100644, contents($_)) for @files;
} else {
  my ($busybox, $init) = @ARGV;
  entry($_, 0040755, '') for qw(bin dev proc sys tmp);
  entry('dev/console', 0020600, '', 5, 1);
  entry('dev/null', 0020666, '', 1, 3);
  entry('bin/busybox', 0100755, contents($busybox));
  entry('init', 0100755, contents($init));
}
$inode = -1;
entry('TRAILER!!!', 0, '');
