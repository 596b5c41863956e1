import Foundation
import Testing

/// A golden survives a kernel that was built anew, and fails for a reason only.
@Suite("Goldens of rebuilt guests")
struct RebuiltGuestTests {
  let runner: TraceRunner
  init() throws { runner = try TraceRunner() }

  private func image(_ name: String) -> String { ".build/images/rebuilt/\(name).elf" }

  /// 5 KiB more code and 8 KiB more .bss in front of everything, in both directions, in both forms, for many choices of kinds.
  @Test(arguments: ["pwt", "trace"])
  func whatOnlyMovedIsTheSame(_ form: String) throws {
    for kinds in [
      "walk,pte-store,flush,fault", "pte-store,flush,fault,task,mode", "walk", "tlb-fill,tlb-evict,flush",
    ] {
      for (golden, run) in [("plain", "padded"), ("padded", "plain")] {
        try runner.record(image(golden), kinds, "golden.\(form)", "--memory", "16M")
        let ended = try runner.run(
          "trace", "verify", "--image", image(run), runner.path("golden.\(form)"))
        #expect(ended.status == 0, "\(golden) \(kinds): \(ended.error)")
      }
    }
  }

  /// The same guest with a right less in the entries of its window.
  @Test(arguments: ["pwt", "trace"])
  func whatChangedIsFound(_ form: String) throws {
    for kinds in ["walk,pte-store,flush,fault", "pte-store", "walk"] {
      try runner.record(image("plain"), kinds, "golden.\(form)", "--memory", "16M")
      let ended = try runner.run(
        "trace", "verify", "--image", image("changed"), runner.path("golden.\(form)"))
      #expect(ended.status == 1, "\(kinds): \(ended.error)")
      #expect(
        ended.error.contains("differs: ") && ended.error.contains("in the golden, "),
        "\(kinds): \(ended.error)")
    }
  }

  @Test func tracesOfTwoBuildsAreComparedInTheSameWay() throws {
    for name in ["plain", "padded", "changed"] {
      try runner.record(image(name), "walk,pte-store,flush,fault", "\(name).pwt", "--memory", "16M")
    }
    let same = try runner.run("trace", "diff", runner.path("plain.pwt"), runner.path("padded.pwt"))
    #expect(same.status == 0, "\(same.output)")
    let different = try runner.run("trace", "diff", runner.path("plain.pwt"), runner.path("changed.pwt"))
    #expect(different.status == 1, "\(different.output)")
  }
}
