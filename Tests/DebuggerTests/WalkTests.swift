import IA32
import Testing

@testable import Debugger
@testable import Emulator

@Suite("Debugger paging commands")
struct WalkTests {
  let test: TestSession

  init() throws { test = try TestSession.tables() }

  @Test func aPageThatNobodyUsed() {
    #expect(
      test.say("walk 0x40000123") == """
        40000123: supervisor read, PAE, CR3 00001000
         TLB       miss
         register  PDPTE[1]              0000000000003001  PD 000003000  P
         memory    PDPTE[1]   000001008  0000000000003001  PD 000003000  P
         memory    PDE[0]     000003000  0000000000004007  PT 000004000  P RW U a
         memory    PTE[0]     000004000  0000000000005003  4K 000005000  P RW S a d
         = 000005123
        """)
  }

  @Test func aStaleEntry() throws {
    _ = try test.machine.load32(LinearAddress(0x4000_0000))
    try test.write(0x8003, at: 0x4000)
    let text = test.say("walk 0x40000123 w")
    #expect(
      text.contains(" TLB       DTLB 4K set 0 way 0  40000000 -> 000005000  4K RW S d  filled at cycle "))
    #expect(text.contains(" = 000005123 for the processor\n = 000008123 by memory\n"))
    #expect(
      text.hasSuffix(
        " ! STALE: DTLB 4K set 0 way 0 gives 000005000 for 40000000, memory gives 000008000: no INVLPG or load of CR3 since the change  [SDM 3A 4.10.4.2]"
      ))
    #expect(test.say("check tlb") == String(text.split(separator: "\n").last!.dropFirst()))
    test.machine.invalidatePage(LinearAddress(0x4000_0000))
    #expect(test.say("check tlb") == "0 TLB entries, all as memory has them")
    #expect(test.say("walk 0x40000123 w").hasSuffix(" = 000008123"))
  }

  @Test func rightsTakenAwayAndAdded() throws {
    _ = try test.machine.load32(LinearAddress(0x4000_0000))
    _ = try test.machine.load32(LinearAddress(0x4000_1000))
    try test.write(0x5001, at: 0x4000)
    try test.write(0x6007, at: 0x4008)
    #expect(
      test.say("check tlb") == """
        ! STALE: DTLB 4K set 0 way 0 still allows writing in 40000000, which memory does not: no INVLPG or load of CR3 since the change  [SDM 3A 4.10.4.2]
          note: memory allows writing in 40001000, which DTLB 4K set 1 way 0 does not: it needs no flush, the first access that faults drops the entry  [SDM 3A 4.10.4.3]
        """)
    #expect(
      test.say("walk 0x40001000 w").contains(
        " = #PF 0003 (P=1 W/R=1 U/S=0): DTLB 4K set 1 way 0 does not allow it, and goes with the fault  [SDM 3A 4.10.4.1] for the processor\n"
      ))
  }

  @Test func aPageThatWentAway() throws {
    try test.machine.store32(LinearAddress(0x4000_4000), 1)
    try test.write(0x7106, at: 0x4020)
    #expect(
      test.say("check tlb")
        == "! STALE: DTLB 4K set 4 way 0 still translates 40004000, and in memory the PTE is not present: no INVLPG since the change, and the page is global: a load of CR3 keeps it  [SDM 3A 4.10.4.2]"
    )
  }

  @Test func dirtyClearedInMemory() throws {
    try test.machine.store32(LinearAddress(0x4000_0000), 1)
    #expect(test.say("check tlb") == "1 TLB entries, all as memory has them")
    try test.write(0x5023, at: 0x4000)
    #expect(test.say("check tlb").contains("has D for 40000000 and memory has not: a write will not set it"))
  }

  @Test func aPDPTEThatIsNotInForce() throws {
    try test.write(0x2001, at: 0x1008)
    let text = test.say("walk 0x40000000")
    #expect(text.contains(" register  PDPTE[1]              0000000000003001  PD 000003000  P\n"))
    #expect(text.contains(" walk      PTE[0]     000004000"))
    #expect(text.contains(" memory    PDPTE[1]   000001008  0000000000002001  PD 000002000  P\n"))
    #expect(text.contains(" memory    PDE[0]     000002000  0000000000000083  2M 000000000  P RW S a d\n"))
    #expect(text.contains(" = 000005000 for the processor\n = 000000000 by memory\n"))
    #expect(
      text.hasSuffix(
        " ! STALE: PDPTE[1] is 0000000000003001 in its register and 0000000000002001 in memory: not in force before a MOV to CR3  [SDM 3A 4.4.1]"
      ))
    #expect(
      test.say("info pdpte").contains(
        "PDPTE[1]  from 40000000  register 0000000000003001  memory 000001008 0000000000002001  DIFFERENT"))
    try test.write(0x2003, at: 0x1008)
    #expect(
      test.say("check pdpte").contains("has reserved bits set (bit 1): the next MOV to CR3 raises #GP(0)"))
  }

  @Test(arguments: [
    ("walk 0x40002000", "= #PF 0000 (P=0 W/R=0 U/S=0): PTE[2] is not present  [SDM 3A 4.7]"),
    (
      "walk 0x40003000",
      "= #PF 0009 (P=1 W/R=0 U/S=0 RSVD=1): PTE[3] has reserved bits set: bit 51  [SDM 3A 4.7]"
    ),
    (
      "walk 0x40001000 w",
      "= #PF 0003 (P=1 W/R=1 U/S=0): PTE[1] has R/W (bit 1) clear: read-only, and CR0.WP is set  [SDM 3A 4.6.1]"
    ),
    (
      "walk 0x40001000 w -u",
      "= #PF 0007 (P=1 W/R=1 U/S=1): PTE[1] has R/W (bit 1) clear: read-only  [SDM 3A 4.6.1]"
    ),
    (
      "walk 0x40000000 -u",
      "= #PF 0005 (P=1 W/R=0 U/S=1): PTE[0] has U/S (bit 2) clear: supervisor-only  [SDM 3A 4.6.1]"
    ),
    ("walk 0x80000000 x", "= #PF 0000 (P=0 W/R=0 U/S=0): PDPTE[2] is not present  [SDM 3A 4.7]"),
    ("walk 0x40200000 w", "= #PF 0002 (P=0 W/R=1 U/S=0): PDE[1] is not present  [SDM 3A 4.7]"),
    ("walk 0x40004000 w -u", "= 000007000"), ("walk 0x1fffff", "= 0001fffff"),
  ])
  func outcomes(_ line: String, _ last: String) {
    #expect(test.say(line).hasSuffix(" " + last))
  }

  @Test func ranges() {
    #expect(
      test.say("info mem") == """
        from      to        bytes  rights
        00000000  001fffff  2 MiB  -rwx    large
        40000000  40000fff  4 KiB  -rwx
        40001000  40001fff  4 KiB  ur-x
        40004000  40004fff  4 KiB  urwx    G
        ! PTE[3] for 40003000 has reserved bits set: bit 51  [SDM 3A 4.7]
        """)
    #expect(
      test.say("info tab 0x40000000 0x40001fff") == """
        from      to        physical   bytes  rights
        40000000  40000fff  000005000  4 KiB  -rwx
        40001000  40001fff  000006000  4 KiB  ur-x
        """)
    #expect(test.say("info mem 0x80000000") == "nothing is mapped there")
    #expect(
      test.say("info pg") == """
        PDPTE[0]           00000000  000001000  0000000000002001  P
          PDE[0]           00000000  000002000  0000000000000083  P RW S a d
        PDPTE[1]           40000000  000001008  0000000000003001  P
          PDE[0]           40000000  000003000  0000000000004007  P RW U a
            PTE[0]         40000000  000004000  0000000000005003  P RW S a d
            PTE[1]         40001000  000004008  0000000000006005  P RO U a d
            PTE[3]         40003000  000004018  0008000000007003  P RW S a d  ! has reserved bits set: bit 51
            PTE[4]         40004000  000004020  0000000000007107  P RW U a d G
        """)
  }

  @Test func checks() throws {
    #expect(test.say("check reserved") == "! PTE[3] for 40003000 has reserved bits set: bit 51  [SDM 3A 4.7]")
    #expect(test.say("check wx").hasPrefix("  note: without EFER.NXE"))
    try test.machine.writeEFER(EFER.noExecuteEnable)
    try test.write(1 << 63 | 0x5003, at: 0x4000)
    #expect(
      test.say("check wx") == """
        ! 00000000-001fffff can be written and executed  [SDM 3A 4.6.1]
        ! 40004000-40004fff can be written and executed, in user mode, too  [SDM 3A 4.6.1]
        """)
    #expect(
      test.say("check alias 0 0x400010ff") == """
          note: physical 000005000-000005fff is mapped 2 times: at 00005000 (-rwx), 40000000 (-rw-)  [SDM 3A 4.10.2.1]
          note: physical 000006000-000006fff is mapped 2 times: at 00006000 (-rwx), 40001000 (ur-x)  [SDM 3A 4.10.2.1]
        """)
    try test.write(0x6015, at: 0x4008)
    #expect(test.say("check alias").contains("in some places cached and in others not  [SDM 3A 11.12.4]"))
    #expect(test.say("check alias 0x40000000") == "no physical page is mapped twice")
  }

  @Test func tlbListing() throws {
    #expect(test.say("info tlb") == "the TLB is empty")
    try test.write(0x7107, at: 0x4080)
    _ = try test.machine.load32(LinearAddress(0x4001_0000))
    _ = try test.machine.load32(LinearAddress(0x4000_0000))
    try test.machine.store32(LinearAddress(0x10_0000), 0)
    let lines = test.say("info tlb dtlb").split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("array       set  way  rank  linear    physical   size  rights    filled at"))
    #expect(lines[1].hasPrefix("DTLB 4K       0    0     1  40010000  000007000  4K    RW U d G"))
    #expect(lines[2].hasPrefix("DTLB 4K       0    1     0  40000000  000005000  4K    RW S d"))
    #expect(lines[3].hasPrefix("DTLB large    0    0     0  00000000  000000000  2M    RW S D"))
    #expect(test.say("info tlb itlb") == "the TLB is empty")
  }

  @Test func aCachedPDE() throws {
    let test = try TestSession.tables(cachingPDEs: 4)
    _ = try test.machine.load32(LinearAddress(0x4000_0000))
    #expect(
      test.say("walk 0x40001000").contains("\n PDE cache set 0 way 0  0000000000004027  read at 000003000\n"))
    // Another page table, in which nothing is present.
    try test.write(0x9027, at: 0x3000)
    let text = test.say("walk 0x40001000")
    #expect(
      text.contains(" walk      PTE[0]     000004008") || text.contains(" walk      PTE[1]     000004008"))
    #expect(text.contains(" memory    PTE[1]     000009008  0000000000000000  not present\n"))
    #expect(text.contains(" = 000006000 for the processor\n = #PF 0000"))
    #expect(
      text.contains(
        "! STALE: the paging-structure cache holds the PDE 0000000000004027, memory has 0000000000009027"))
    #expect(
      test.say("info tlb").contains("paging-structure cache\nset  way  linear    PDE               read at\n")
    )
    #expect(test.say("x 0x40001000").contains("40001000:  0x00000000\n! page 40001000 was read at 000006000"))
  }

  @Test func withPagingOff() throws {
    try test.machine.moveToCR0([.protectionEnable, .extensionType])
    #expect(test.say("walk 0x1234") == "00001234: supervisor read, paging is off\n = 000001234")
    #expect(test.say("info mem") == "paging is off: linear addresses are physical")
    #expect(test.say("info pdpte") == "PAE paging is off: the PDPTE registers are not in use")
    #expect(test.say("check alias") == "error: paging is off: there are no tables to check")
    #expect(test.say("info tlb") == "paging is off: the TLB is empty")
  }

  @Test func in32BitPaging() throws {
    try test.machine.moveToCR0([.protectionEnable, .extensionType])
    try test.machine.moveToCR4([.pageSizeExtensions])
    // Directory at 8000h: entry 0 a 4 MiB page, entry 1 a table at 9000h.
    try test.write(0x9003_0000_0083, at: 0x8000)
    try test.write(0xa003, at: 0x9000)
    try test.machine.moveToCR3(0x8000)
    try test.machine.moveToCR0([.protectionEnable, .extensionType, .paging])
    #expect(
      test.say("walk 0x400010") == """
        00400010: supervisor read, 32-bit paging, CR3 00008000
         TLB       miss
         memory    PDE[1]     000008004  00009003  PT 000009000  P RW S a
         memory    PTE[0]     000009000  0000a003  4K 00000a000  P RW S a d
         = 00000a010
        """)
    #expect(
      test.say("info tab") == """
        from      to        physical   bytes  rights
        00000000  003fffff  000000000  4 MiB  -rwx    large
        00400000  00400fff  00000a000  4 KiB  -rwx
        """)
    #expect(test.say("check alias").contains("mapped 2 times: at 0000a000 (-rwx), 00400000 (-rwx)"))
  }
}
