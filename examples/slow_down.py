"""How much less power does a container ship need at 12 kn than at 20 kn, by the published propeller law?"""

import sealane

INSTALLED_KW, SERVICE_SPEED_KN = 40_000, 24

fast, slow = (
    sealane.calc("propulsion-power", installed_kw=INSTALLED_KW, service_speed_kn=SERVICE_SPEED_KN, speed_kn=speed_kn)
    for speed_kn in (20, 12)
)
print(f"20 kn: {fast.value:,.0f} {fast.unit}; 12 kn: {slow.value:,.0f} {slow.unit}")
print(f"energy over the same distance: {(slow.value / 12) / (fast.value / 20):.0%}")
print(fast.equation)
