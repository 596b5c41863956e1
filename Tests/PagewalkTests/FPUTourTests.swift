import Testing

/// The guest that checks the x87 by itself.
@Suite("fpu-tour") struct FPUTourTests {
  @Test("Every case is as the manual says, and the whole is 0")
  func passes() throws {
    let image = TraceRunner.images.appending(path: "fpu-tour.elf").path
    let result = try CommandLineTests().pagewalk("run", "--quiet", "--memory", "16M", image)
    #expect(result.status == 0)
    #expect(!result.output.contains("FAIL"), "\(result.output)")
    #expect(result.output.hasSuffix(" as the manual says: PASS\n"))
    #expect(result.error == "")
  }
}
