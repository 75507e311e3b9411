# dpkg: a package built, installed, verified, removed. @shell bash
mkdir -p p/DEBIAN p/usr/share/thing; seq 100 > p/usr/share/thing/numbers
printf 'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: Some Body <some@body>\nDescription: a thing\n' > p/DEBIAN/control
printf '#!/bin/sh\necho configured $1\n' > p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst
dpkg-deb --root-owner-group -b p thing.deb > /dev/null; dpkg-deb -c thing.deb | awk '{ print $1, $2, $6 }'
dpkg -i thing.deb 2>&1 | grep -v '^(Reading'; dpkg -L thing | tail -n 1; dpkg -s thing | grep Status; dpkg -V thing; md5sum < /usr/share/thing/numbers
dpkg -r thing 2>&1 | grep -v '^(Reading'; ls /usr/share/thing 2>&1 | tail -n 1; dpkg -l | wc -l | grep -c .
rm -rf p thing.deb /var/lib/dpkg/*-old /var/log/dpkg.log /var/log/alternatives.log /var/lib/dpkg/status /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers
