import GuestHardware

/// Called by the trap stubs for every exception, interrupt and system call.
@c(guest_trap)
func guestTrap(_ frame: UnsafeMutablePointer<trap_frame>) {
  let kernel = Kernel(Processor())
  let vector = frame.pointee.vector
  if vector >= interruptVectorBase, vector < interruptVectorBase + 16 {
    handleInterrupt(kernel, vector - interruptVectorBase)
    return
  }
  let fromUser = frame.pointee.cs & 3 == 3
  if vector == 14 {
    let address = KernelAddress(guest_read_cr2())
    switch kernel.handlePageFault(address, PageFaultCode(rawValue: frame.pointee.error_code)) {
    case .repaired: return
    case .userError: guest_leave_user(userResult(vector, frame.pointee.error_code))
    case .kernelError: if goToFixup(frame) { return }
    }
  } else if fromUser {
    // System calls end the program, with EAX as its result; so does everything it may not do.
    guest_leave_user(
      vector == systemCallVector ? frame.pointee.eax : userResult(vector, frame.pointee.error_code))
  } else if goToFixup(frame) {
    // An instruction that this processor does not have.
    return
  }
  die(kernel, frame)
}

/// The gate that ring 3 may call.
let systemCallVector: UInt32 = 0x80

/// What `guest_enter_user` returns for a program that an exception ended: bit 31, the vector, the error code.
func userResult(_ vector: UInt32, _ code: UInt32) -> UInt32 { 1 << 31 | vector << 16 | code & 0xFFFF }

/// Goes on at the fixup of the instruction that faulted; false when the exception table has none.
private func goToFixup(_ frame: UnsafeMutablePointer<trap_frame>) -> Bool {
  var entry = guest_address_of___start_ex_table()
  while entry < guest_address_of___stop_ex_table() {
    if guest_load32(entry) == frame.pointee.eip {
      frame.pointee.eip = guest_load32(entry &+ 4)
      return true
    }
    entry &+= 8
  }
  return false
}

/// An unexpected trap: registers, backtrace, the end.
private func die(_ kernel: Kernel<Processor>, _ frame: UnsafeMutablePointer<trap_frame>) -> Never {
  kernel.muteConsole(false)
  let console = kernel.console
  let registers = frame.pointee
  console.newline().style(.bad).text("Trap ").decimal(registers.vector).text(": ")
    .text(exceptionName(registers.vector)).style(.plain).text(", error code ")
    .hexadecimal(registers.error_code, digits: 4).newline()
  if registers.vector == 14 { console.text("  CR2 ").hexadecimal(guest_read_cr2(), digits: 8).newline() }
  console.text("  EIP ").hexadecimal(registers.eip, digits: 8)
    .text("  EFL ").hexadecimal(registers.eflags, digits: 8)
    .text("  CR3 ").hexadecimal(guest_read_cr3(), digits: 8).newline()
  console.text("  EAX ").hexadecimal(registers.eax, digits: 8)
    .text("  EBX ").hexadecimal(registers.ebx, digits: 8)
    .text("  ECX ").hexadecimal(registers.ecx, digits: 8)
    .text("  EDX ").hexadecimal(registers.edx, digits: 8).newline()
  console.text("  ESI ").hexadecimal(registers.esi, digits: 8)
    .text("  EDI ").hexadecimal(registers.edi, digits: 8)
    .text("  EBP ").hexadecimal(registers.ebp, digits: 8).newline()
  // Swift's own checks end in UD2.
  kernel.panic(
    registers.vector == 6 ? "a Swift runtime check failed, or code is not code" : "unexpected trap",
    from: KernelAddress(registers.ebp))
}

/// The names of SDM vol. 3A, table 6-1.
private func exceptionName(_ vector: UInt32) -> StaticString {
  switch vector {
  case 0: "divide error"
  case 1: "debug"
  case 2: "non-maskable interrupt"
  case 3: "breakpoint"
  case 4: "overflow"
  case 5: "bound range exceeded"
  case 6: "invalid opcode"
  case 7: "device not available"
  case 8: "double fault"
  case 10: "invalid TSS"
  case 11: "segment not present"
  case 12: "stack fault"
  case 13: "general protection"
  case 14: "page fault"
  case 16: "floating-point error"
  case 17: "alignment check"
  case 18: "machine check"
  default: "reserved vector"
  }
}
