#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# init.sh - process 1 of the lab's machine: unpacks the box, starts ./run in it, packs its out/ into
# the box and powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs box /box
cd /box || exit 1
tar -x -f /dev/nvme0n2
mkdir -p out
./run
echo "init: run ended with $?"
tar -c -f /dev/nvme0n2 -C out .
sync
echo o >/proc/sysrq-trigger
# It takes a moment; the kernel panics if process 1 ends.
exec sleep 1000
