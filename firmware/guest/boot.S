// The kernel's first instructions. A Multiboot 1 loader jumps to _start in 32-bit protected mode without paging:
// EAX holds the magic number, EBX the physical address of the information structure. This file builds the reference
// page tables with a direct map of the first 896 MiB, turns PAE paging on, moves to the upper gigabyte, loads the
// descriptor tables and calls kernel_main.

#define PAGE_OFFSET 0xC0000000
#define PHYSICAL(symbol) ((symbol) - PAGE_OFFSET)

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 0x00000003      // modules on page boundaries; memory information wanted

#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR4_PAE 0x00000020
#define CR4_PGE 0x00000080
#define MSR_EFER 0xC0000080
#define EFER_NXE 0x00000800

#define CPUID_1_PAE 0x00000040
#define CPUID_1_PGE 0x00002000
#define CPUID_80000001_NX 0x00100000
#define FEATURE_PGE 1                   // bits of cpu_features, CPUFeatures in Hardware.swift
#define FEATURE_NX 2

  .section .multiboot, "a"
  .balign 4
  .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

// Linked at its physical address: runs before paging.
  .section .boot, "ax"
  .globl _start
_start:
  cli
  cld
  movl $PHYSICAL(boot_stack_top), %esp
  movl %eax, %ebp                       // the magic number
  movl %ebx, %edi                       // the information structure

  movl $1, %eax
  cpuid
  testl $CPUID_1_PAE, %edx
  jz no_pae
  xorl %esi, %esi                       // cpu_features
  testl $CPUID_1_PGE, %edx
  jz 1f
  orl $FEATURE_PGE, %esi
1:
  movl $36, PHYSICAL(phys_addr_bits)
  movl $0x80000000, %eax
  cpuid
  cmpl $0x80000001, %eax
  jb 3f
  cmpl $0x80000008, %eax
  jb 2f
  movl $0x80000008, %eax
  cpuid
  movzbl %al, %eax
  movl %eax, PHYSICAL(phys_addr_bits)
2:
  movl $0x80000001, %eax
  cpuid
  testl $CPUID_80000001_NX, %edx
  jz 3f
  orl $FEATURE_NX, %esi
  movl $MSR_EFER, %ecx
  rdmsr
  orl $EFER_NXE, %eax
  wrmsr
3:
  movl %esi, PHYSICAL(cpu_features)

  // The direct map: 448 entries of 2 MiB; present, writable, accessed, dirty, large, global.
  movl $PHYSICAL(swapper_pmd), %ebx
  movl $0x000001E3, %eax
  movl $448, %ecx
4:
  movl %eax, (%ebx)
  movl $0, 4(%ebx)
  addl $0x200000, %eax
  addl $8, %ebx
  loop 4b

  // The same directory for the last gigabyte and, until the jump below, for the first.
  movl $(PHYSICAL(swapper_pmd) + 1), PHYSICAL(swapper_pg_dir)
  movl $(PHYSICAL(swapper_pmd) + 1), PHYSICAL(swapper_pg_dir) + 24

  movl %cr4, %eax
  orl $CR4_PAE, %eax
  movl %eax, %cr4
  movl $PHYSICAL(swapper_pg_dir), %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $(CR0_PG | CR0_WP), %eax
  movl %eax, %cr0
  movl $high_start, %eax
  jmp *%eax

// No PAE: say so on the serial port, which the loader or the BIOS may have set up or not, and end with status 1.
no_pae:
  movl $no_pae_text, %esi
5:
  lodsb
  testb %al, %al
  jz 7f
  movb %al, %bl
  movw $0x3FD, %dx
6:
  inb %dx, %al
  testb $0x20, %al
  jz 6b
  movb %bl, %al
  movw $0x3F8, %dx
  outb %al, %dx
  jmp 5b
7:
  movb $1, %al
  outb %al, $0xF4
8:
  cli
  hlt
  jmp 8b
no_pae_text:
  .asciz "This kernel needs a processor with PAE.\r\n"

  .text
high_start:
  movl $boot_stack_top, %esp
  // Drop the identity map. Global pages are turned on only now: it is made of the same global entries, which the load
  // of CR3 would otherwise keep in the TLB.
  movl $0, swapper_pg_dir
  movl %cr3, %eax
  movl %eax, %cr3
  testl $FEATURE_PGE, %esi
  jz 1f
  movl %cr4, %eax
  orl $CR4_PGE, %eax
  movl %eax, %cr4
1:
  call load_descriptor_tables
  movl %ebp, %eax
  pushl $0                              // the end of every backtrace: no caller,
  pushl $0                              // and its frame pointer
  movl %esp, %ebp
  pushl %edi
  pushl %eax
  call kernel_main
9:
  cli
  hlt
  jmp 9b

  .section .bss.stack, "aw", @nobits
  .balign 4096
  .globl boot_stack, boot_stack_top
boot_stack:
  .skip 32768
boot_stack_top:
