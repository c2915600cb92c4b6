"""Readings: a text read as homophones, pinyin, decomposed characters (拆字), emoji, look-alikes, reversed."""
