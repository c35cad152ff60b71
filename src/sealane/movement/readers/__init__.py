"""movement/readers"""
