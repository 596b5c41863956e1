/// What the interpreter's loop switches over.
///
/// The named handlers are the forms that compiled 32-bit code is made of: flat segments, 32-bit addresses, no LOCK. In
/// their names R is a register, M memory, I an immediate, in the order destination, source. Every other instruction, and
/// every other form, is `.general` or `.generalEnd`: complete, checked, and slower.
enum Handler: UInt16 {
  // Control of the block itself.
  case endOfBlock
  /// Go back to the loop before this instruction: a deadline is near, or the block has died.
  case leave
  /// The instructions that follow begin in, or reach into, another 32-byte line: the fetch unit enters it. In blocks of
  /// the `full` level only.
  case fetchLine
  /// Any instruction that does not end its block.
  case general
  /// Any instruction that ends its block.
  case generalEnd
  /// A string instruction with or without REP: may stop between two iterations.
  case string
  /// Bytes that are no instruction of this processor: raises a fault.
  case undefined

  // 32-bit data movement.
  case movRR, movRI, movRM, movMR, movMI
  case movByteRR, movByteRI, movByteRM, movByteMR, movByteMI, movWordMR, movWordRM
  case movzxByteRR, movzxByteRM, movzxWordRR, movzxWordRM
  case movsxByteRR, movsxByteRM, movsxWordRR, movsxWordRM
  case lea
  case xchgRR
  case pushR, pushI, pushM, popR
  case leaveFrame
  case nop
  case cdq

  // 32-bit arithmetic.
  case addRR, addRI, addRM, addMR, addMI
  case orRR, orRI, orRM, orMR, orMI
  case adcRR, adcRI, adcRM, adcMR, adcMI
  case sbbRR, sbbRI, sbbRM, sbbMR, sbbMI
  case andRR, andRI, andRM, andMR, andMI
  case subRR, subRI, subRM, subMR, subMI
  case xorRR, xorRI, xorRM, xorMR, xorMI
  case cmpRR, cmpRI, cmpRM, cmpMR, cmpMI
  case testRR, testRI, testMR, testMI
  case incR, decR, negR, notR, incM, decM
  case shlRI, shrRI, sarRI, shlRC, shrRC, sarRC, rolRI, rorRI
  case shldRRI, shrdRRI, shldRRC, shrdRRC
  case imulRR, imulRM, imulRRI, mulR, divR
  case bsfRR, bsrRR

  // 8-bit arithmetic.
  case cmpByteRR, cmpByteRI, cmpByteRM, cmpByteMR, cmpByteMI
  case testByteRR, testByteRI, testByteMI
  case addByteRR, addByteRI, addByteRM
  case orByteRR, orByteRI, orByteRM
  case andByteRR, andByteRI, andByteRM
  case subByteRR, subByteRI, subByteRM
  case xorByteRR, xorByteRI, xorByteRM

  // On conditions.
  case setccR
  case cmovRR, cmovRM
  case jo, jno, jb, jae, je, jne, jbe, ja, js, jns, jp, jnp, jl, jge, jle, jg

  // Near transfers in a flat 4 GiB code segment.
  case jmp, jmpR, jmpM
  case call, callR, callM
  case ret, retI
}
