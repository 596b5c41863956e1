import KernelAudit
import Testing

@testable import MiniKernel

extension Corruption: CustomTestStringConvertible {
  var testDescription: String { "\(check.rawValue): \(name)" }
}

@Suite("Auditor")
struct EmulatedAuditTests {
  @Test("a kernel with something of everything leaves nothing to say")
  func contentKernel() throws {
    let audited = try AuditedKernel()
    #expect(try audited.kernel.audit() == [])
    audited.kernel.switchTo(audited.process)
    #expect(
      audited.kernel.hardware.load32(audited.area.start) == 0, "vmalloc_fault repairs the process's table")
    #expect(try audited.kernel.audit() == [])
  }

  @Test("every broken invariant is told by its sentence", arguments: Corruption.all)
  func corruption(_ corruption: Corruption) throws {
    let audited = try AuditedKernel()
    let sentence = try corruption.apply(audited)
    let found = try audited.kernel.audit()
    #expect(found.contains("\(corruption.check.rawValue): \(sentence)"), "\(found)")
  }

  @Test("every check has a corruption that it finds")
  func allChecksFail() {
    #expect(Set(Corruption.all.map(\.check)) == Set(AuditCheck.allCases))
  }

  @Test("lazily freed areas may stay in the TLB, and nowhere else")
  func lazilyFreed() throws {
    let audited = try AuditedKernel()
    let kernel = audited.kernel
    kernel.tlbFlushPolicy = .lazy
    kernel.vunmap(audited.view.start)
    let start = audited.area.start
    kernel.vfree(start)
    #expect(kernel.hardware.probeLoad32(start) != nil, "the translation is still there")
    #expect(try kernel.audit() == [])
    kernel.purgeLazyAreas()
    #expect(kernel.hardware.probeLoad32(start) == nil)
    #expect(try kernel.audit() == [])
  }

  @Test("without the flush the stale translation is used, and the auditor names it")
  func missingFlush() throws {
    let kernel = try startedKernel(64 * mebibyte)
    kernel.tlbFlushPolicy = .never
    let old = try kernel.vmalloc(pageSize)
    kernel.hardware.store32(old, 0x0123_4567)
    let frame = kernel.frame(of: try #require(kernel.vmallocToPage(old)))
    kernel.vfree(old)
    #expect(kernel.vmallocToPage(old) == nil, "the tables have forgotten it")
    #expect(kernel.hardware.probeLoad32(old) == 0x0123_4567, "the processor has not")
    let sentence =
      "stale-translation: the DTLB 4K array of the TLB still translates \(hex(old)) to frame \(frame), where "
    #expect(try kernel.audit() == [sentence + "nothing is mapped any more"])
    // A new area at the same address, of another page: what is written goes to the page that was freed.
    let held = try #require(kernel.allocatePage(.highUser))
    let new = try kernel.vmalloc(pageSize)
    let newFrame = kernel.frame(of: try #require(kernel.vmallocToPage(new)))
    try #require(new == old && newFrame != frame)
    kernel.hardware.store32(new, 0x89AB_CDEF)
    #expect(kernel.hardware.readPhysical32(UInt64(frame) << 12) == 0x89AB_CDEF, "the old page was written")
    #expect(kernel.hardware.readPhysical32(UInt64(newFrame) << 12) != 0x89AB_CDEF, "the new one was not")
    #expect(try kernel.audit() == [sentence + "frame \(newFrame) is mapped now"])
    kernel.flushTLBAll()
    #expect(try kernel.audit() == [])
    kernel.vfree(new)
    kernel.freePage(held)
  }

  @Test("an audit leaves no trace")
  func noTrace() throws {
    let audited = try AuditedKernel()
    let machine = audited.kernel.hardware.machine
    let counters = machine.counters.paging
    let held = TLBState(machine)
    #expect(try audited.kernel.audit() == [])
    #expect(machine.counters.paging == counters)
    #expect(TLBState(machine) == held)
  }

  @Test("in the middle of a change the auditor waits")
  func moments() throws {
    let hardware = try EmulatedHardware(bytes: 64 * mebibyte)
    let kernel = Kernel(hardware)
    #expect(try kernel.auditor.moment == .notStarted)
    #expect(try kernel.audit() == [])
    for range in hardware.memory.layout.ramRanges {
      kernel.addMemory(base: range.lowerBound, length: range.upperBound - range.lowerBound)
    }
    #expect(kernel.startMemory())
    #expect(try kernel.auditor.moment == .quiet)
    kernel.beginUpdate()
    #expect(try kernel.auditor.moment == .busy)
    kernel.endUpdate()
    #expect(try kernel.auditor.moment == .quiet)
  }
}
