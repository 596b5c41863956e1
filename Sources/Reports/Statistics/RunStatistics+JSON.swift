extension RunStatistics {
  /// An object with the properties by their names; none where a property has no value.
  var json: JSONValue {
    let mode = whole.members
    return .object(
      mode + [
        .init("timing", .string(timing)), .init("idleCycles", .number(idleCycles)), .init("user", user.json),
        .init("kernel", kernel.json),
        .init(
          "faults",
          .array(
            faults.map {
              .object([
                .init("vector", .number(UInt64($0.vector))), .init("name", .string($0.name)),
                .init("count", .number($0.count)),
              ])
            })), .init("interrupts", .number(interrupts)), .init("mmio", mmio.json),
        .init("ports", ports.json), .init("serialCharactersLost", .number(serialCharactersLost)),
        .init("lost", lost.json),
      ])
  }
}

extension JSONValue.Member {
  /// Numbers by name; those without a value are left out.
  fileprivate static func numbers(_ values: KeyValuePairs<String, UInt64?>) -> [JSONValue.Member] {
    values.compactMap { name, value in value.map { .init(name, .number($0)) } }
  }
}

extension RunStatistics.Mode {
  fileprivate var json: JSONValue { .object(members) }

  fileprivate var members: [JSONValue.Member] {
    var members: [JSONValue.Member] = .numbers([
      "instructions": instructions, "cycles": cycles, "dataReferences": dataReferences,
    ])
    members.append(.init("breakdown", breakdown.json))
    members.append(
      .init(
        "tlb",
        .array(
          tlb.map {
            .object([
              .init("name", .string($0.name)), .init("hits", .number($0.hits)),
              .init("misses", .number($0.misses)),
            ])
          })))
    members.append(
      .init(
        "walks",
        .object(
          .numbers([
            "count": walks.count, "references": walks.references, "l1Misses": walks.l1Misses,
          ]))))
    if let caches {
      members.append(
        .init(
          "caches",
          .object(
            .numbers([
              "instructionFetches": caches.instructionFetches, "instructionMisses": caches.instructionMisses,
              "dataLinesIn": caches.dataLinesIn, "l2InstructionFetches": caches.l2InstructionFetches,
              "l2Loads": caches.l2Loads, "l2Stores": caches.l2Stores, "l2LinesIn": caches.l2LinesIn,
              "uncachedAccesses": caches.uncachedAccesses,
            ]))))
    }
    if let branches {
      members.append(
        .init(
          "branches",
          .object(
            .numbers([
              "count": branches.count, "taken": branches.taken, "mispredicted": branches.mispredicted,
            ]))))
    }
    return members
  }
}

extension [JSONValue.Member] {
  fileprivate static func numbers(_ values: KeyValuePairs<String, UInt64?>) -> [JSONValue.Member] {
    JSONValue.Member.numbers(values)
  }
}

extension RunStatistics.Breakdown {
  fileprivate var json: JSONValue {
    .object(
      .numbers([
        "base": base, "fetch": fetch, "l1": l1, "l2": l2, "dram": dram, "walk": walk, "branch": branch,
        "io": io,
        "idle": idle,
      ]))
  }
}

extension RunStatistics.Lost {
  fileprivate var json: JSONValue {
    .object([
      .init("romStores", romStores.json), .init("unclaimedStores", unclaimedStores.json),
      .init("unclaimedFetches", unclaimedFetches.json),
    ])
  }
}

extension RunStatistics.Lost.Kind {
  fileprivate var json: JSONValue {
    .object(
      .numbers(["count": count, "physical": physical, "eip": eip.map(UInt64.init), "cycle": cycle]))
  }
}

extension RunStatistics.Accesses {
  fileprivate var json: JSONValue { .object(.numbers(["reads": reads, "writes": writes])) }
}
