"""The platform on /dev/kvm: real virtualization where the processor has it, shadow paging where a host does without."""
