# First process of the guest: what systems mount, a swap, then the tests. Their results go to the second serial port.
export PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/tmp CI=true SLUICE_TEST_PATIENCE=5
busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t cgroup2 none /sys/fs/cgroup
for folder in /tmp /run /var/tmp; do busybox mount -t tmpfs -o mode=1777 none "$folder"; done
busybox mkdir -p /dev/pts /dev/shm
busybox mount -t devpts none /dev/pts
busybox mount -t tmpfs none /dev/shm
busybox mkswap /dev/vdc >/dev/null
busybox swapon /dev/vdc
ip link set lo up
busybox stty -F /dev/ttyS1 raw -echo
echo '{"type":"booted"}' >/dev/ttyS1
cd /work
# Types are stripped and code is compiled once, not in each process.
export NODE_COMPILE_CACHE=/tmp/compile-cache
node test/vm/inside/run-tests.ts $(busybox cat test/vm/inside/files) >/dev/ttyS1
busybox poweroff -f
