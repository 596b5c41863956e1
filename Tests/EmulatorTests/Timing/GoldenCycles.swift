let goldenCycles: [String: [UInt64]] = [:]
