extension OpcodeTable {
  /// Conversions of SSE and SSE2. SDM vol. 2D, table A-3.
  static let simdConversionRows: [OpcodeRow] = [
    OpcodeRow(.none, 0x0F2A, "cvtpi2ps", .simdConversion(.cvtpi2ps), .Vx, .Qq),
    OpcodeRow(.x66, 0x0F2A, "cvtpi2pd", .simdConversion(.cvtpi2pd), .Vx, .Qq),
    OpcodeRow(.xF3, 0x0F2A, "cvtsi2ss", .simdConversion(.cvtsi2ss), .Vx, .Ed),
    OpcodeRow(.xF2, 0x0F2A, "cvtsi2sd", .simdConversion(.cvtsi2sd), .Vx, .Ed),
    OpcodeRow(.none, 0x0F2C, "cvttps2pi", .simdConversion(.cvttps2pi), .Pq, .Wq),
    OpcodeRow(.x66, 0x0F2C, "cvttpd2pi", .simdConversion(.cvttpd2pi), .Pq, .Wx),
    OpcodeRow(.xF3, 0x0F2C, "cvttss2si", .simdConversion(.cvttss2si), .Gd, .Wd),
    OpcodeRow(.xF2, 0x0F2C, "cvttsd2si", .simdConversion(.cvttsd2si), .Gd, .Wq),
    OpcodeRow(.none, 0x0F2D, "cvtps2pi", .simdConversion(.cvtps2pi), .Pq, .Wq),
    OpcodeRow(.x66, 0x0F2D, "cvtpd2pi", .simdConversion(.cvtpd2pi), .Pq, .Wx),
    OpcodeRow(.xF3, 0x0F2D, "cvtss2si", .simdConversion(.cvtss2si), .Gd, .Wd),
    OpcodeRow(.xF2, 0x0F2D, "cvtsd2si", .simdConversion(.cvtsd2si), .Gd, .Wq),
    OpcodeRow(.none, 0x0F5A, "cvtps2pd", .simdConversion(.cvtps2pd), .Vx, .Wq),
    OpcodeRow(.x66, 0x0F5A, "cvtpd2ps", .simdConversion(.cvtpd2ps), .Vx, .Wx),
    OpcodeRow(.xF3, 0x0F5A, "cvtss2sd", .simdConversion(.cvtss2sd), .Vx, .Wd),
    OpcodeRow(.xF2, 0x0F5A, "cvtsd2ss", .simdConversion(.cvtsd2ss), .Vx, .Wq),
    OpcodeRow(.none, 0x0F5B, "cvtdq2ps", .simdConversion(.cvtdq2ps), .Vx, .Wx),
    OpcodeRow(.x66, 0x0F5B, "cvtps2dq", .simdConversion(.cvtps2dq), .Vx, .Wx),
    OpcodeRow(.xF3, 0x0F5B, "cvttps2dq", .simdConversion(.cvttps2dq), .Vx, .Wx),
    OpcodeRow(.x66, 0x0FE6, "cvttpd2dq", .simdConversion(.cvttpd2dq), .Vx, .Wx),
    OpcodeRow(.xF3, 0x0FE6, "cvtdq2pd", .simdConversion(.cvtdq2pd), .Vx, .Wq),
    OpcodeRow(.xF2, 0x0FE6, "cvtpd2dq", .simdConversion(.cvtpd2dq), .Vx, .Wx),
  ]

  /// State, caches and order. SDM vol. 2D, tables.
  static let simdControlRows: [OpcodeRow] = [
    OpcodeRow(0x0F18, digit: 0, "prefetchnta", .simdControl(.prefetch), .Mb),
    OpcodeRow(0x0F18, digit: 1, "prefetcht0", .simdControl(.prefetch), .Mb),
    OpcodeRow(0x0F18, digit: 2, "prefetcht1", .simdControl(.prefetch), .Mb),
    OpcodeRow(0x0F18, digit: 3, "prefetcht2", .simdControl(.prefetch), .Mb),
    OpcodeRow(.none, 0x0F77, "emms", .simdControl(.emms)),
    // Group 15. Of the fences ModRM's r/m field is ignored.
    OpcodeRow(.none, 0x0FAE, digit: 2, "ldmxcsr", .simdControl(.ldmxcsr), .Md),
    OpcodeRow(.none, 0x0FAE, digit: 3, "stmxcsr", .simdControl(.stmxcsr), .Md),
    OpcodeRow(.none, 0x0FAE, digit: 7, "clflush", .simdControl(.clflush), .Mb),
    OpcodeRow(.none, 0x0FAE, register: 5, "lfence", .simdControl(.lfence)),
    OpcodeRow(.none, 0x0FAE, register: 6, "mfence", .simdControl(.mfence)),
    OpcodeRow(.none, 0x0FAE, register: 7, "sfence", .simdControl(.sfence)),
  ]
}
