"""Emission formulas on single numbers, in the order in which the standards print them."""


def combustion_tco2(fuel: float, ncv: float, carbon: float, oxidation: float) -> float:
    return fuel * ncv * carbon * oxidation * 44 / 12


def standard_volume_nm3(volume: float, temperature_c: float, pressure_kpa: float) -> float:
    return volume * 273.15 / (273.15 + temperature_c) * pressure_kpa / 101.325
