/* What a kernel that has grown has in front of the code and data that were there before: 5 KiB of code, 8 KiB of .bss. */
#ifdef PADDED
__asm__(".text\n.globl padding_code\npadding_code: .skip 5120, 0x90");
char padding_data[8192];
#else
extern char padding_data[];
#endif
