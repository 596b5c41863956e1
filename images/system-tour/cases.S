/* The code of the cases, and how they are run. Each ends with an exception, or with INT VECTOR_DONE. */

#include "tour.h"

        .intel_syntax noprefix
        .text

/* Running ---------------------------------------------------------------------------------------------------- */

        .macro  save_registers
        push    ebp
        push    ebx
        push    esi
        push    edi
        pushf
        mov     saved_stack, esp
        .endm

        .globl  run_ring0
run_ring0:
        mov     eax, [esp + 4]
        save_registers
        jmp     eax

        .globl  run_ring3
run_ring3:
        mov     eax, [esp + 4]
        mov     ecx, [esp + 8]
        save_registers
        push    USER_DATA
        lea     edx, user_stack_top
        push    edx
        or      ecx, 2
        push    ecx
        push    USER_CODE
        push    eax
        mov     eax, USER_DATA
        mov     ds, eax
        mov     es, eax
        iretd

        .globl  run_v86
run_v86:
        mov     ecx, [esp + 4]
        save_registers
        push    0x4000                  /* GS, FS, DS, ES */
        push    0x3000
        push    0x2000
        push    0x1000
        push    V86_SEGMENT
        push    V86_STACK
        or      ecx, 0x20002            /* VM */
        push    ecx
        push    V86_SEGMENT
        push    0
        iretd

/* Handlers return here, in ring 0. */
        .globl  recover
recover:
        mov     eax, KERNEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, saved_stack
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     dr7, eax
        popf
        pop     edi
        pop     esi
        pop     ebx
        pop     ebp
        ret

/* Segmentation ----------------------------------------------------------------------------------------------- */

        .macro  done
        int     VECTOR_DONE
        .endm
        .macro  case name
        .globl  \name
\name:
        .endm
        .macro  load_and_read selector, address
        mov     eax, \selector
        mov     fs, eax
        mov     eax, fs:[\address]
        done
        .endm
        .macro  load_and_write selector, address
        mov     eax, \selector
        mov     fs, eax
        mov     fs:[\address], al
        done
        .endm

case null_read
        load_and_read 0, 0x1000
case beyond_table
        load_and_read 0x7F8, 0x1000
case absent_load
        load_and_read ABSENT, 0x1000
case absent_stack
        mov     eax, ABSENT
        mov     ss, eax
        done
case null_stack
        xor     eax, eax
        mov     ss, eax
        done
case code_into_stack
        mov     eax, KERNEL_CODE
        mov     ss, eax
        done
case execute_only_load
        load_and_read EXECUTE_ONLY, 0x1000
case local_load
        load_and_read LOCAL_DATA, 0x1000
case read_only_write
        load_and_write READ_ONLY, 0x1000
case code_write
        mov     cs:scratch, eax
        done
case short_inside
        load_and_read SHORT, 0xFFC
case short_across
        load_and_read SHORT, 0xFFD
case expand_down_inside
        load_and_read EXPAND_DOWN, 0x1000
case expand_down_below
        load_and_read EXPAND_DOWN, 0xFFF
case selector_checks
        mov     eax, KERNEL_CODE
        lsl     ebx, eax
        lar     ecx, eax
        verw    ax
        setz    dl
        mov     eax, 0x7F8
        lar     eax, eax
        setz    dh
        movzx   edx, dx
        done
case unreadable_selector
        load_and_read USER_CODE, 0x1000

/* Gates and rings -------------------------------------------------------------------------------------------- */

case ring3_reaches
        mov     eax, cs
        mov     ebx, ss
        done
case ring3_cli
        cli
        done
case ring3_kernel_data
        mov     eax, KERNEL_DATA
        mov     fs, eax
        done
case ring3_int
        int     0x20
case ring3_ports
        in      al, 0x21
        done
case ring3_open_port
        in      al, 0x61
        done
case ring3_far_kernel
        .byte   0x9A
        .long   0
        .word   KERNEL_CODE
case call_gate
        push    0x1111
        push    0x2222
        .byte   0x9A
        .long   0
        .word   CALL_GATE
        done
case conforming
        .byte   0x9A
        .long   1f
        .word   CONFORMING
        done
1:      mov     ebx, cs
        retf
case ring3_jump_gate
        .byte   0xEA
        .long   0
        .word   CALL_GATE
case misaligned
        mov     eax, scratch + 1
        done

/* The call gate leads here: EBX is CS, ECX and EDX are the parameters. */
        .globl  gate_entry
gate_entry:
        mov     ebx, cs
        mov     ecx, [esp + 12]
        mov     edx, [esp + 8]
        retf    8

/* Tasks ------------------------------------------------------------------------------------------------------ */

case task_jump
        .byte   0xEA
        .long   0
        .word   OTHER_TASK
case task_call
        mov     eax, 0x11
        .byte   0x9A
        .long   0
        .word   OTHER_TASK
        mov     ecx, 0x33
        done
case task_gate_call
        .byte   0x9A
        .long   0
        .word   TASK_GATE
        done
case task_interrupt
        int     TASK_VECTOR
        done
case task_call16
        mov     eax, 0x12345678
        .byte   0x9A
        .long   0
        .word   OTHER_TASK16
        done
case task_busy
        .byte   0xEA
        .long   0
        .word   MAIN_TASK
case task_trap
        mov     word ptr other_task + 100, 1
        .byte   0xEA
        .long   0
        .word   OTHER_TASK
case task_bad_data
        mov     dword ptr other_task + 84, ABSENT
        .byte   0xEA
        .long   0
        .word   OTHER_TASK
case double_fault
        mov     eax, general_protection_gate
        and     dword ptr [eax], 0xFFFF7FFF /* #GP's gate is not present: #NP on the way to it */
        mov     eax, 0x7F8
        mov     ds, eax
        done

/* The other task: back to whoever called, or the end of the case when nobody did. */
        .globl  other_entry
other_entry:
        pushf
        pop     eax
        test    eax, 0x4000
        jz      1f
        mov     other_flags, eax
        iretd
        jmp     other_entry
1:      done

        .globl  other_entry16
        .code16
other_entry16:
        mov     word ptr ds:[0x8F00], ax
        iret
        .code32

/* Double faults come to this task, which goes on in the main one where the case ends. */
        .globl  fault_entry
fault_entry:
        pop     eax
        mov     ebx, fault_task
        mov     ecx, main_task + 32
        mov     dword ptr fault_seen, 1
        done
        jmp     fault_entry

/* Debug registers -------------------------------------------------------------------------------------------- */

        .macro  arm address, control
        lea     eax, \address
        mov     dr0, eax
        mov     eax, \control
        mov     dr7, eax
        .endm

case debug_instruction
        arm     1f, 0x602
        nop
        nop
1:      nop
        done
case debug_write
        arm     scratch, 0xD0602
        mov     ecx, scratch
        mov     byte ptr scratch + 3, 1
        nop
        done
case debug_read
        arm     scratch + 1, 0x30602
        mov     ecx, scratch
        nop
        done
case debug_port
        mov     eax, cr4
        or      eax, 8
        mov     cr4, eax
        mov     eax, 0x80
        mov     dr0, eax
        mov     eax, 0x20602
        mov     dr7, eax
        out     0x80, al
        nop
        done
case debug_general
        mov     eax, 0x2400
        mov     dr7, eax
        mov     ecx, dr0
        done
case debug_step
        push    0x102
        popfd
        nop
        done
case debug_step_stack
        mov     ecx, ss
        push    0x102
        popfd
        mov     ss, ecx
        nop
        nop
        done
case debug_icebp
        .byte   0xF1
        done

/* V86 mode: these are copied to V86_SEGMENT:0. --------------------------------------------------------------- */

        .code16
        .macro  v86 name
        .globl  \name
\name:
        .endm

v86 v86_segments
        mov     ax, cs
        mov     bx, ds
        mov     cx, es
        mov     dx, ss
        int3
v86 v86_cli
        cli
        int3
v86 v86_pushf
        pushf
        pop     ax
        int3
v86 v86_int
        int     0x10
v86 v86_iret
        push    0x3002
        push    V86_SEGMENT
        .byte   0x68
        .word   1f - v86_iret
        iret
        hlt
1:      int3
v86 v86_port
        in      al, 0x21
        int3
v86 v86_open_port
        in      al, 0x61
        int3
v86 v86_hlt
        hlt
        int3
v86 v86_lar
        lar     ax, bx
        int3
v86 v86_limit
        mov     ebx, 0xFFFF
        mov     ax, [bx]
        int3
v86 v86_far
        .byte   0x9A
        .word   1f - v86_far, V86_SEGMENT
        int3
1:      mov     bp, sp
        mov     ax, [bp + 2]
        .byte   0xCB                    /* RETF of 16 bits, whatever the assembler makes of it */
v86 v86_wrap
        mov     sp, 2
        push    ax
        push    ax
        mov     bx, sp
        int3
        .code32

        .data
        .balign 4
saved_stack: .long 0
        .globl  scratch, fault_seen, other_flags
scratch: .long 0, 0
fault_seen: .long 0
other_flags: .long 0

        .section .user, "awx"
        .fill   1024, 4, 0
user_stack_top:
        .long   0
