"""Greenhouse gas emissions from activity data and factors: GB/T 32150-2015 and its sector parts.

Every function is linear in the activity. Amounts of fuel and their calorific values must be of one
basis: as received for solids, 0 degC and 101.325 kPa for gases.
"""

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

CO2_PER_C = 44.0 / 12.0  # ratio of molar masses, as the guidelines print it
ZERO_CELSIUS_K = 273.15
STANDARD_PRESSURE_KPA = 101.325
HOT_WATER_BASE_C = 20.0
WATER_KJ_PER_KG_K = 4.1868


def combustion_tco2(
    fuel: Float | float,
    *,
    calorific_value_gj: Float | float,
    carbon_content_tc_per_gj: Float | float,
    oxidation_share: Float | float,
) -> Float:
    """Return the CO2 from burning fuel.

    Parameters
    ----------
    fuel : (...) float64
        Fuel burnt; NaN is unknown. Fuel used as feedstock is not burnt. [unit of the fuel]
    calorific_value_gj : (...) float64
        Lower calorific value, on the basis of the fuel's amount. [GJ per unit]
    carbon_content_tc_per_gj : (...) float64
        Carbon per calorific energy. [tC/GJ]
    oxidation_share : (...) float64
        Share of the carbon that burns to CO2, 0..1. [1]

    Returns
    -------
    emission_tco2 : (...) float64
        [tCO2]

    Notes
    -----
    Standard: GB/T 32150-2015, fuel combustion; MEE guideline, appendix 2 (defaults).
    Equation: E = AD * NCV * CC * OF * 44/12.   Sign: to the air is positive.
    """
    carbon = np.multiply(calorific_value_gj, carbon_content_tc_per_gj)
    return oxidised_carbon_tco2(fuel, carbon_tc=carbon, oxidation_share=oxidation_share)


def oxidised_carbon_tco2(
    amount: Float | float, *, carbon_tc: Float | float, oxidation_share: Float | float = 1.0
) -> Float:
    """Return the CO2 from the carbon in a material: measured coal, electrodes, anodes.

    Parameters
    ----------
    amount : (...) float64
        NaN is unknown. [unit of the material]
    carbon_tc : (...) float64
        Carbon content on the same basis as the amount. [tC per unit]
    oxidation_share : (...) float64
        0..1. [1]

    Returns
    -------
    emission_tco2 : (...) float64
        [tCO2]

    Notes
    -----
    Standard: MEE guideline for power generation (elemental carbon).
    Equation: E = FC * C * OF * 44/12.   Sign: to the air is positive.
    """
    return np.asarray(np.multiply(amount, carbon_tc) * oxidation_share * CO2_PER_C)


def as_received(
    content: Float | float,
    *,
    moisture_received_share: Float | float,
    moisture_dried_share: Float | float,
) -> Float:
    """Return a content measured on the air-dried basis as received.

    Parameters
    ----------
    content : (...) float64
        Carbon content or calorific value of the air-dried sample. [any]
    moisture_received_share, moisture_dried_share : (...) float64
        Total moisture as received, moisture of the air-dried sample, 0..1. [1]

    Returns
    -------
    content : (...) float64
        Of the coal as received. [that of the argument]

    Notes
    -----
    Standard: GB/T 483 (basis conversion).   Equation: x_ar = x_ad * (1 - M_ar) / (1 - M_ad).
    Holds for contents; a lower calorific value also needs the heat of the moisture.
    """
    drier = np.subtract(1.0, moisture_received_share) / np.subtract(1.0, moisture_dried_share)
    return np.asarray(np.multiply(content, drier))


def purchased_tco2(activity: Float | float, *, factor_tco2: Float | float) -> Float:
    """Return the emission of purchased electricity or heat.

    Parameters
    ----------
    activity : (...) float64
        Bought less sold; NaN is unknown. [MWh or GJ]
    factor_tco2 : (...) float64
        Average factor of the grid and year, or of the heat. [tCO2/MWh or tCO2/GJ]

    Returns
    -------
    emission_tco2 : (...) float64
        [tCO2]

    Notes
    -----
    Standard: GB/T 32150-2015, purchased electricity and heat.
    Equation: E = AD * EF.   Sign: bought is positive, sold negative.
    """
    return np.asarray(np.multiply(activity, factor_tco2))


def warming_tco2e(gas_t: Float | float, *, gwp: Float | float) -> Float:
    """Return the mass of a greenhouse gas as CO2 of the same warming in 100 years.

    Parameters
    ----------
    gas_t : (...) float64
        [t]
    gwp : (...) float64
        Global warming potential of the assessment report in force. [tCO2e/t]

    Returns
    -------
    emission_tco2e : (...) float64
        [tCO2e]

    Notes
    -----
    Standard: GB/T 32150-2015, 3 (global warming potential).   Equation: E = m * GWP.
    """
    return np.asarray(np.multiply(gas_t, gwp))


def standard_volume_nm3(
    volume_m3: Float | float,
    *,
    temperature_c: Float | float,
    pressure_kpa: Float | float = STANDARD_PRESSURE_KPA,
) -> Float:
    """Return a gas volume at 0 degC and 101.325 kPa, which the guideline's factors are of.

    City gas is billed at 20 degC: left uncorrected it is counted 7.3 % too high.

    Parameters
    ----------
    volume_m3 : (...) float64
        At the temperature and pressure given. [m3]
    temperature_c : (...) float64
        Above -273.15. [°C]
    pressure_kpa : (...) float64
        Absolute. [kPa]

    Returns
    -------
    volume_nm3 : (...) float64
        NaN where the temperature is not above absolute zero. [Nm3]

    Notes
    -----
    Standard: GB/T 32150-2015 (activity data at standard state); ideal gas law.
    Equation: V0 = V * 273.15 / (273.15 + T) * p / 101.325.
    """
    temperature_k = np.add(temperature_c, ZERO_CELSIUS_K)
    temperature_k = np.where(temperature_k > 0.0, temperature_k, np.nan)
    per_state = ZERO_CELSIUS_K / temperature_k * np.divide(pressure_kpa, STANDARD_PRESSURE_KPA)
    return np.asarray(np.multiply(volume_m3, per_state))


def steam_heat_gj(
    mass_t: Float | float,
    *,
    enthalpy_kj_per_kg: Float | float,
    base_enthalpy_kj_per_kg: Float | float,
) -> Float:
    """Return the heat of steam by its enthalpy.

    Parameters
    ----------
    mass_t : (...) float64
        [t]
    enthalpy_kj_per_kg : (...) float64
        At its absolute pressure and temperature. [kJ/kg]
    base_enthalpy_kj_per_kg : (...) float64
        Of the feed water; the guideline counts from water at 20 degC. [kJ/kg]

    Returns
    -------
    heat_gj : (...) float64
        [GJ]

    Notes
    -----
    Standard: MEE guideline, purchased heat.   Equation: AD = m * (h - h_base) / 1000.
    """
    return np.asarray(
        np.multiply(mass_t, np.subtract(enthalpy_kj_per_kg, base_enthalpy_kj_per_kg)) / 1000.0
    )


def hot_water_heat_gj(mass_t: Float | float, *, temperature_c: Float | float) -> Float:
    """Return the heat of hot water above 20 degC.

    Parameters
    ----------
    mass_t : (...) float64
        [t]
    temperature_c : (...) float64
        [°C]

    Returns
    -------
    heat_gj : (...) float64
        [GJ]

    Notes
    -----
    Standard: MEE guideline, purchased heat.   Equation: AD = m * (T - 20) * 4.1868 / 1000.
    """
    rise_k = np.subtract(temperature_c, HOT_WATER_BASE_C)
    return np.asarray(np.multiply(mass_t, rise_k) * WATER_KJ_PER_KG_K / 1000.0)
