"""The virtual machine monitor on /dev/kvm. Here today: the proof that it runs a guest, ``probe``."""
