"""Constants of the Linux kernel, one module a header, under the kernel's own names."""
