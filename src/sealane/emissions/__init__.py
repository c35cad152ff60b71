"""emissions"""
