// Descriptor tables, trap stubs, and the way to ring 3 and back.

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x1B                  // with the requested privilege level 3
#define USER_DATA 0x23
#define TSS_SELECTOR 0x28
#define GATE_INTERRUPT 0x8E00           // present, ring 0, 32-bit interrupt gate
#define GATE_FROM_USER 0xEE00           // the same for INT from ring 3
#define VECTORS 48                      // 32 exceptions, 16 interrupt lines
#define SYSTEM_CALL 0x80

  .text
  .globl load_descriptor_tables
load_descriptor_tables:
  // The TSS's base lies in three pieces in its descriptor.
  movl $tss, %eax
  movw %ax, gdt + TSS_SELECTOR + 2
  shrl $16, %eax
  movb %al, gdt + TSS_SELECTOR + 4
  movb %ah, gdt + TSS_SELECTOR + 7
  lgdt gdt_pointer
  ljmp $KERNEL_CODE, $1f
1:
  movl $KERNEL_DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $TSS_SELECTOR, %eax
  ltr %ax

  movl $idt, %ebx
  movl $trap_stubs, %edx
  movl $VECTORS, %ecx
2:
  movl $GATE_INTERRUPT, %eax
  call set_gate
  addl $8, %ebx
  addl $16, %edx
  loop 2b
  movl $idt + SYSTEM_CALL * 8, %ebx
  movl $system_call_stub, %edx
  movl $GATE_FROM_USER, %eax
  call set_gate
  lidt idt_pointer
  ret

// The gate at EBX: handler EDX, type EAX.
set_gate:
  movw %dx, (%ebx)
  movw $KERNEL_CODE, 2(%ebx)
  movw %ax, 4(%ebx)
  movl %edx, %eax
  shrl $16, %eax
  movw %ax, 6(%ebx)
  ret

// One stub a vector, 16 bytes each. Vectors 8, 10-14 and 17 come with an error code; the others get a 0.
  .balign 16
trap_stubs:
  .set vector, 0
  .rept VECTORS
  .balign 16
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
  .else
  pushl $0
  .endif
  pushl $vector
  jmp trap_common
  .set vector, vector + 1
  .endr
  .balign 16
system_call_stub:
  pushl $0
  pushl $SYSTEM_CALL
  jmp trap_common

// Completes struct trap_frame and calls guest_trap with its address. EBP stays that of the interrupted code, so
// backtraces go on into it.
trap_common:
  pushal
  pushl %ds
  pushl %es
  movl $KERNEL_DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  cld
  pushl %esp
  call guest_trap
  addl $4, %esp
  popl %es
  popl %ds
  popal
  addl $8, %esp
  iret

// uint32_t guest_enter_user(uint32_t eip, uint32_t esp)
  .globl guest_enter_user
guest_enter_user:
  pushl %ebp
  pushl %ebx
  pushl %esi
  pushl %edi
  movl 20(%esp), %eax
  movl 24(%esp), %ecx
  movl %esp, user_return_stack
  movl %esp, tss + 4                    // ESP0: traps from ring 3 push below here
  movl $USER_DATA, %edx
  movl %edx, %ds
  movl %edx, %es
  pushl $USER_DATA
  pushl %ecx
  pushl $0x202                          // EFLAGS: interrupts on
  pushl $USER_CODE
  pushl %eax
  xorl %eax, %eax
  xorl %ebx, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  xorl %esi, %esi
  xorl %edi, %edi
  xorl %ebp, %ebp
  iret

// void guest_leave_user(uint32_t result): called inside a trap from ring 3; returns from guest_enter_user.
  .globl guest_leave_user
guest_leave_user:
  movl 4(%esp), %eax
  movl user_return_stack, %esp
  popl %edi
  popl %esi
  popl %ebx
  popl %ebp
  ret

// uint64_t guest_probe_load32(uint32_t address): a load with a way out. EDX is 1 when it went well.
  .globl guest_probe_load32
guest_probe_load32:
  movl 4(%esp), %ecx
  movl $1, %edx
1:
  movl (%ecx), %eax
  ret
2:
  xorl %edx, %edx
  xorl %eax, %eax
  ret
  .section ex_table, "a"
  .long 1b, 2b

// uint32_t guest_probe_store32(uint32_t address, uint32_t value): 1 when it went well.
  .text
  .globl guest_probe_store32
guest_probe_store32:
  movl 4(%esp), %ecx
  movl 8(%esp), %edx
  movl $1, %eax
1:
  movl %edx, (%ecx)
  ret
2:
  xorl %eax, %eax
  ret
  .section ex_table, "a"
  .long 1b, 2b

// uint32_t guest_try_write_msr(uint32_t index, uint32_t low, uint32_t high): 1 when it went well.
  .text
  .globl guest_try_write_msr
guest_try_write_msr:
  movl 4(%esp), %ecx
  movl 8(%esp), %eax
  movl 12(%esp), %edx
1:
  wrmsr
  movl $1, %eax
  ret
2:
  xorl %eax, %eax
  ret
  .section ex_table, "a"
  .long 1b, 2b

// uint64_t guest_try_read_counter(uint32_t index): 40 bits, and bit 63 when it went well.
  .text
  .globl guest_try_read_counter
guest_try_read_counter:
  movl 4(%esp), %ecx
1:
  rdpmc
  orl $0x80000000, %edx
  ret
2:
  xorl %edx, %edx
  xorl %eax, %eax
  ret
  .section ex_table, "a"
  .long 1b, 2b

  .data
  .balign 8
gdt:
  .quad 0
  .quad 0x00CF9A000000FFFF              // kernel code: 4 GiB from 0, ring 0
  .quad 0x00CF92000000FFFF              // kernel data
  .quad 0x00CFFA000000FFFF              // user code, ring 3
  .quad 0x00CFF2000000FFFF              // user data
  .quad 0x0000890000000067              // TSS of 104 bytes; the base is filled in above
gdt_pointer:
  .word gdt_pointer - gdt - 1
  .long gdt
idt_pointer:
  .word 256 * 8 - 1
  .long idt
  .balign 4
tss:
  .long 0, 0, KERNEL_DATA               // back link, ESP0, SS0
  .skip 88
  .word 0, 104                          // no I/O permission bitmap
user_return_stack:
  .long 0

  .bss
  .balign 8
idt:
  .skip 256 * 8
